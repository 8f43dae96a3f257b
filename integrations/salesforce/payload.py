"""Outbound Messages: up to a hundred notifications, each with a record of one object.

A notification is repeated under its own Id with the record as it is by then, so that its content
tells two of them apart (developer.salesforce.com, read 2026-11). What else stands in the message,
the session among it, is no part of what it says.
"""

from collections.abc import Mapping

from integrations.contract import Delivery, Event, Normaliser
from integrations.reading import Reader
from integrations.strict_xml import TYPE, each, parse_xml

from . import customers, opportunities

NAMESPACES = frozenset(
    {
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://soap.sforce.com/2005/09/outbound",
        "urn:sobject.enterprise.soap.sforce.com",
    }
)
#: Objects that are no sale and never become one: a lead that is converted leaves an opportunity.
IGNORED = frozenset({"Lead", "Case"})
#: Lines of an opportunity come one by one (OpportunityLineItem), and which of them are all of them
#: no message says: they stay unsupported, and come with the list.
NORMALISERS: Mapping[str, Normaliser] = {
    "Opportunity": opportunities.stated,
    "Account": customers.account,
    "Contact": customers.contact,
    "opportunity.listed": opportunities.listed,
}


def split(delivery: Delivery) -> list[Event]:
    """Return an event of each notification; its type is the record's object."""
    root = Reader(parse_xml(delivery.body, NAMESPACES))
    message = root["Envelope"]["Body"]["notifications"]
    organization = message["OrganizationId"].id()
    return [_event(one, organization) for one in each(message, "Notification")]


def _event(notification: Reader, organization: str) -> Event:
    return Event(
        key=notification["Id"].id(),
        type=notification["sObject"][TYPE].text(100),
        payload={"OrganizationId": organization, "sObject": notification["sObject"].value},
        merchant=organization,
    )
