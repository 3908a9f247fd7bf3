"""Amazon's shipping methods: the values of fulfillmentServiceLevel (orders_2026-01-01.json)."""

from __future__ import annotations

from plugins.interface import ShippingMappingUI, ShippingMethod

METHODS = (
    ShippingMethod("STANDARD", "Standard", ("Std", "Standard Shipping")),
    ShippingMethod("EXPEDITED", "Expedited", ("Express",)),
    ShippingMethod("FREE_ECONOMY", "Free Economy", ("Economy", "Free Shipping", "FreeEconomy")),
    ShippingMethod("SECOND_DAY", "Second Day", ("2-Day", "Two-Day", "Two Day", "2nd Day", "SecondDay")),
    ShippingMethod("NEXT_DAY", "Next Day", ("1-Day", "One-Day", "One Day", "Overnight", "NextDay")),
    ShippingMethod("SAME_DAY", "Same Day", ("Same-Day", "SameDay")),
    ShippingMethod("PRIORITY", "Priority", ("Priority Shipping",)),
    ShippingMethod("SCHEDULED", "Scheduled", ("Scheduled Delivery",)),
)


def shipping_methods() -> ShippingMappingUI:
    """The methods a buyer can have chosen, for the shipping-mapping page."""
    return ShippingMappingUI(
        methods=METHODS,
        field_help="The shipping speed the buyer chose at Amazon, such as Standard or Expedited. An order whose speed "
        "has no mapping waits until you add one.",
    )
