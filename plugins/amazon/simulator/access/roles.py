"""Roles of an application, and which of them open what (Amazon's pages "Role Mappings" and "Orders API role mappings").

Any one of the roles named for an operation is enough. What Amazon's pages say of an operation only in general is marked
unverified here.
"""

DIRECT_TO_CONSUMER = "Direct-to-Consumer Shipping"
INVENTORY_AND_ORDERS = "Inventory and Order Tracking"
PRODUCT_LISTING = "Product Listing"
TAX_INVOICING = "Tax Invoicing"
TAX_REMITTANCE = "Tax Remittance"

# Opens the reads of orders, in both versions.
ORDER_ROLES = frozenset(
    {
        "Amazon Fulfillment",
        "Buyer Communication",
        "Buyer Solicitation",
        "Finance and Accounting",
        INVENTORY_AND_ORDERS,
        "Pricing",
        PRODUCT_LISTING,
        "Selling Partner Insights",
        DIRECT_TO_CONSUMER,
        TAX_INVOICING,
        TAX_REMITTANCE,
    }
)
SHIPMENT_ROLES = frozenset({DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS})
LISTINGS_ROLES = frozenset({PRODUCT_LISTING, INVENTORY_AND_ORDERS})
ORDER_FEED_ROLES = frozenset({INVENTORY_AND_ORDERS, DIRECT_TO_CONSUMER})
# createFeed asks for a role of the feed's type besides; the other operations on feeds for any that opens a type
# (unverified).
FEED_ROLES = LISTINGS_ROLES | ORDER_FEED_ROLES | {TAX_INVOICING}
# Amazon's page "Sellers API": getMarketplaceParticipations takes these two everywhere, and the other roles in the Far
# East only. Of the restricted ones the text that was read is cut off, so they count as the others (unverified).
PARTICIPATION_ROLES = frozenset({PRODUCT_LISTING, "Selling Partner Insights"})
FAR_EAST_PARTICIPATION_ROLES = ORDER_ROLES
# Of restricted data these show names and tax data: no street, no postal code, no phone, no e-mail.
TAX_ROLES = frozenset({TAX_INVOICING, TAX_REMITTANCE})
# Amazon's page "Sellers API".
ACCOUNT_ROLES = frozenset({"Account Information Service Provider", "Finance and Accounting"})
# Restricted data of orders: who may have a restricted data token for it.
RESTRICTED_ELEMENTS = {
    "buyerInfo": TAX_ROLES | {DIRECT_TO_CONSUMER},
    "shippingAddress": TAX_ROLES | {DIRECT_TO_CONSUMER},
    "buyerTaxInformation": TAX_ROLES,
}
