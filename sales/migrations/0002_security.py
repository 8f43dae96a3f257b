"""Everything of a sale is seen within its account only."""

from typing import ClassVar

from django.db import migrations

from accounts.rls import protect


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sales", "0001_initial")]
    operations: ClassVar = [
        protect(
            "sales_sale",
            "sales_saleline",
            "sales_payment",
            "sales_refund",
            "sales_fiscal",
            "sales_location",
            "sales_device",
            "sales_employee",
            "sales_category",
            "sales_product",
            "sales_customer",
        ),
    ]
