"""Salesforce: Outbound Messages, SOAP with the fields of records that an administrator chose."""

from integrations.contract import Answer, Provider
from integrations.schemes import Address
from integrations.senders import Sender

from .asking import API, read_currencies, read_domain
from .payload import IGNORED, NORMALISERS, split
from .records import read_clock, read_organization

#: What ends the repeating: the status alone says nothing to Salesforce.
ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)

PROVIDER = Provider(
    slug="salesforce",
    title="Salesforce",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    redacted=("Envelope.Body.notifications.SessionId",),
    answer=Answer(ACK, "text/xml; charset=utf-8"),
    sender=Sender(
        over=86_400,
        then="сообщение потеряно / the message is lost",
        source="https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/"
        "sforce_api_om_outboundmessaging_notifications.htm, 2026-11-27",
    ),
    default_currency="USD",
    api=API,
    settings={
        "organization": read_organization,
        "clock": read_clock,
        "domain": read_domain,
        "currencies": read_currencies,
    },
    says_anew=frozenset({"clock"}),
    requires={"organization": "Organization ID, 00D… / the Organization ID, 00D…"},
)
