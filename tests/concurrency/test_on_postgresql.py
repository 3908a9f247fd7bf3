"""The main stories of the way back once more on PostgreSQL, whose locks and types are others."""

from __future__ import annotations

import pytest

from tests.carts.test_secret_rotation import test_scenario_F61_both_are_good_while_amazon_rotates_and_then_the_newer_one
from tests.conftest import Engines, empty_postgres
from tests.install.test_several_stores import (
    test_installing_a_disconnected_store_anew_finds_it_again,
    test_scenario_F27_a_disconnected_store_stops_at_once_and_takes_everything_up_again,
    test_stock_that_another_store_sells_waits_for_a_confirmation,
    test_the_older_and_the_new_generation_cannot_both_inject_an_order,
)
from tests.inventory.test_drift import compared, test_what_differs_is_reported_made_due_and_corrected_by_the_next_push
from tests.inventory.test_inventory import (
    stocked,
    test_active_items_are_sent_with_quantity_and_latency,
    test_only_what_moved_is_sent_again_and_no_sooner_than_the_floor,
    test_promising_more_than_there_is_raises_one_alarm_and_ends_it,
    test_scenario_F35_many_zeros_at_once_wait_for_a_person,
)
from tests.inventory.test_latency import (
    test_an_items_own_latency_goes_with_its_quantity,
    test_field_J1_what_amazon_sets_in_place_of_it_is_told_once_and_not_sent_again,
)
from tests.inventory.test_push_after_orders import (
    moved,
    test_scenario_F37_what_was_bought_just_now_is_not_offered_again,
)
from tests.orders.test_acknowledgements import spoiled, test_an_order_shipped_in_full_needs_none_any_more
from tests.orders.test_customizations import shop, test_it_is_fetched_before_the_order_goes_on
from tests.orders.test_fetch_order import fetching, test_scenario_F19_a_stored_order_is_refreshed_and_stays_one_row
from tests.orders.test_import_faults import (
    store,
    test_an_order_the_database_refuses_is_quarantined_alone,
    test_field_H5_orders_generated_as_the_documentation_says_arrive,
    test_scenario_F7_a_fault_on_the_second_page_keeps_the_first_and_goes_on_there,
    test_scenario_F22_a_lost_feed_answer_sends_the_same_acknowledgements_again,
    test_scenario_F59_a_revoked_authorization_pauses_the_store_and_a_reconnect_loses_nothing,
)
from tests.orders.test_not_from_here import (
    garage,
    test_an_order_of_which_nothing_is_ours_ends_on_arrival_and_keeps_nothing_of_the_buyer,
    test_an_order_that_waits_follows_the_answer_and_reserves_nothing_that_is_not_shipped_from_here,
    test_of_a_mixed_order_our_lines_alone_are_placed_acknowledged_and_confirmed,
    test_what_ended_is_read_again_and_goes_on_when_the_answer_is_taken_back,
)
from tests.orders.test_shipped_elsewhere import (
    test_a_parcel_confirmed_by_hand_is_stopped_within_one_listing,
    test_our_number_entered_by_hand_before_it_is_known_here_stops_nothing,
)
from tests.shipments.test_tracking import (
    dock,
    test_a_bundle_in_two_packages_counts_when_its_last_part_ships,
    test_a_chain_of_voided_packages_ends_in_one_at_amazon,
    test_field_C1_a_replacement_takes_the_units_of_the_voided_package,
    test_one_package_takes_the_places_of_two_that_were_voided,
    test_scenario_F39_a_lost_answer_leaves_one_package,
    test_the_warehouse_can_end_an_order_and_everybody_hears_of_it,
    test_units_freed_by_a_correction_arrive_before_the_package_that_takes_them,
)
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres

__all__ = [
    "compared",
    "dock",
    "fetching",
    "garage",
    "moved",
    "shop",
    "spoiled",
    "stocked",
    "store",
    "test_a_bundle_in_two_packages_counts_when_its_last_part_ships",
    "test_a_chain_of_voided_packages_ends_in_one_at_amazon",
    "test_a_parcel_confirmed_by_hand_is_stopped_within_one_listing",
    "test_active_items_are_sent_with_quantity_and_latency",
    "test_an_items_own_latency_goes_with_its_quantity",
    "test_an_order_of_which_nothing_is_ours_ends_on_arrival_and_keeps_nothing_of_the_buyer",
    "test_an_order_shipped_in_full_needs_none_any_more",
    "test_an_order_that_waits_follows_the_answer_and_reserves_nothing_that_is_not_shipped_from_here",
    "test_an_order_the_database_refuses_is_quarantined_alone",
    "test_field_C1_a_replacement_takes_the_units_of_the_voided_package",
    "test_field_H5_orders_generated_as_the_documentation_says_arrive",
    "test_field_J1_what_amazon_sets_in_place_of_it_is_told_once_and_not_sent_again",
    "test_installing_a_disconnected_store_anew_finds_it_again",
    "test_it_is_fetched_before_the_order_goes_on",
    "test_of_a_mixed_order_our_lines_alone_are_placed_acknowledged_and_confirmed",
    "test_one_package_takes_the_places_of_two_that_were_voided",
    "test_only_what_moved_is_sent_again_and_no_sooner_than_the_floor",
    "test_our_number_entered_by_hand_before_it_is_known_here_stops_nothing",
    "test_promising_more_than_there_is_raises_one_alarm_and_ends_it",
    "test_scenario_F7_a_fault_on_the_second_page_keeps_the_first_and_goes_on_there",
    "test_scenario_F19_a_stored_order_is_refreshed_and_stays_one_row",
    "test_scenario_F22_a_lost_feed_answer_sends_the_same_acknowledgements_again",
    "test_scenario_F27_a_disconnected_store_stops_at_once_and_takes_everything_up_again",
    "test_scenario_F35_many_zeros_at_once_wait_for_a_person",
    "test_scenario_F37_what_was_bought_just_now_is_not_offered_again",
    "test_scenario_F39_a_lost_answer_leaves_one_package",
    "test_scenario_F59_a_revoked_authorization_pauses_the_store_and_a_reconnect_loses_nothing",
    "test_scenario_F61_both_are_good_while_amazon_rotates_and_then_the_newer_one",
    "test_stock_that_another_store_sells_waits_for_a_confirmation",
    "test_the_older_and_the_new_generation_cannot_both_inject_an_order",
    "test_the_warehouse_can_end_an_order_and_everybody_hears_of_it",
    "test_units_freed_by_a_correction_arrive_before_the_package_that_takes_them",
    "test_what_differs_is_reported_made_due_and_corrected_by_the_next_push",
    "test_what_ended_is_read_again_and_goes_on_when_the_answer_is_taken_back",
]


@pytest.fixture
def database_url(postgres: PostgresServer, engines: Engines) -> str:
    """A fresh database of PostgreSQL."""
    return empty_postgres(postgres, engines)
