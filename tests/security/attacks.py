"""The attacks, as a table: the OWASP API Security Top 10 of 2023, with the accepted statuses.

No set contains a 5xx: no attack may cause one.
"""

from __future__ import annotations

from tests.security import configuration, consumption, ownership, strings
from tests.security.scene import Attack, Rivalry, Scene


def _statuses(*accepted: int) -> frozenset[int]:
    return frozenset(accepted)


REFUSED = _statuses(400, 401, 403, 404, 405, 409, 413, 415, 422, 429)
MISSING = _statuses(404)
INVALID = _statuses(422)

ON_EVERY_SERVICE: tuple[Attack[Scene], ...] = (
    Attack("API4", "slow-bodies", consumption.slow_bodies, _statuses(200)),
    Attack(
        "API8", "bodies-that-break-off", configuration.bodies_that_break_off, _statuses(400, 422)
    ),
    Attack("API4", "an-unlimited-limit", consumption.unlimited_limit, INVALID),
    Attack("API4", "two-limits", consumption.two_limits, _statuses(200, 422)),
    Attack("API4", "deep-JSON", consumption.deep_json, _statuses(400, 422)),
    Attack("API4", "large-numbers", consumption.large_numbers, _statuses(400, 422)),
    Attack("API4", "many-fields", consumption.many_fields, INVALID),
    Attack(
        "API4", "a-body-of-1-MiB-and-1-byte", consumption.body_of_a_byte_too_much, _statuses(413)
    ),
    Attack("API4", "a-compressed-body", consumption.compressed_body, _statuses(400, 413, 415, 422)),
    Attack("API4", "10,000-headers", consumption.ten_thousand_headers, _statuses(400, 431)),
    Attack("API4", "large-headers", consumption.large_headers, _statuses(400, 414, 431)),
    Attack(
        "API4",
        "many-parameters",
        consumption.many_parameters,
        _statuses(200, 400, 401, 404, 414, 422, 431),  # 401: many cookies hide the session cookie
    ),
    Attack("API4", "slow-headers", consumption.slow_headers, _statuses(200)),
    Attack("API7", "addresses-to-fetch", configuration.addresses_to_fetch, REFUSED | {200, 201}),
    Attack("API8", "hostile-origins", configuration.hostile_origins, _statuses(200, 404, 405)),
    Attack("API8", "foreign-hosts", configuration.foreign_hosts, _statuses(400)),
    Attack(
        "API8",
        "forwarded-hosts",
        configuration.forwarded_hosts,
        _statuses(200, 201, 400, 404),
    ),
    Attack(
        "API8",
        "headers-in-X-Request-ID",
        configuration.headers_in_a_request_id,
        _statuses(200, 400, 404, 431),
    ),
    Attack(
        "API8", "lines-in-the-log", configuration.lines_in_the_log, _statuses(200, 400, 404, 422)
    ),
    Attack(
        "API8",
        "requests-within-requests",
        configuration.requests_within_requests,
        _statuses(400, 413, 422),
    ),
    Attack(
        "API8",
        "methods-beyond-the-usual",
        configuration.methods_beyond_the_usual,
        _statuses(400, 404, 405, 501),
    ),
    Attack("API8", "pages-left-open", configuration.pages_left_open, _statuses(400, 404)),
    Attack(
        "API8", "bytes-that-are-not-text", strings.bytes_that_are_not_text, _statuses(201, 400, 422)
    ),
    Attack(
        "API9", "forgotten-versions", configuration.forgotten_versions, _statuses(404, 405, 422)
    ),
    Attack(
        "API9",
        "operations-beyond-the-contract",
        configuration.operations_beyond_the_contract,
        _statuses(200),
    ),
    Attack(
        "API10",
        "headers-of-an-untrusted-proxy",
        configuration.headers_of_an_untrusted_proxy,
        _statuses(200, 400),
    ),
)
"""Sent to every service."""

ON_EVERY_STRING: tuple[Attack[Scene], ...] = (
    Attack("API8", "SQL-in-every-string", strings.sql_in_every_string, REFUSED | {200, 201, 204}),
    Attack(
        "API8",
        "NUL-and-lone-surrogates-in-every-string",
        strings.unstorable_text_in_every_string,
        _statuses(400, 401, 404, 422),
    ),
)
"""Sent as an administrator, who may call every operation, or anonymously in services without
accounts.
"""

ON_ACCOUNTS: tuple[Attack[Rivalry], ...] = (
    Attack("API1", "another's-item-by-id", ownership.item_by_id, MISSING),
    Attack(
        "API1",
        "another's-item-by-id-in-another-spelling",
        ownership.item_by_id_in_another_spelling,
        _statuses(400, 404, 405, 422),
    ),
    Attack("API1", "another's-item-by-guessing", ownership.item_by_guessing, _statuses(404, 422)),
    Attack("API1", "another's-item-by-list", ownership.item_by_list, _statuses(200, 422)),
    Attack(
        "API1", "another's-item-by-another-method", ownership.item_by_another_method, _statuses(405)
    ),
    Attack(
        "API1",
        "another's-item-under-a-forged-identity",
        ownership.item_under_a_forged_identity,
        MISSING,
    ),
    Attack(
        "API2",
        "every-operation-without-credentials",
        ownership.every_operation_without_credentials,
        _statuses(401),
    ),
    Attack(
        "API2",
        "every-operation-with-invented-credentials",
        ownership.every_operation_with_invented_credentials,
        _statuses(401),
    ),
    Attack("API3", "rights-at-registration", ownership.rights_at_registration, INVALID),
    Attack(
        "API3",
        "rights-by-changing-the-own-account",
        ownership.rights_by_changing_the_own_account,
        INVALID,
    ),
    Attack("API3", "owner-of-a-new-item", ownership.owner_of_a_new_item, INVALID),
    Attack("API3", "owner-of-an-item", ownership.owner_of_an_item, INVALID),
    Attack("API3", "owner-in-the-query", ownership.owner_in_the_query, _statuses(201, 422)),
    Attack(
        "API3",
        "hidden-properties",
        ownership.hidden_properties,
        _statuses(200, 422),
    ),
    Attack("API4", "large-texts-to-check", consumption.large_texts_to_check, INVALID),
    Attack(
        "API5", "functions-of-administrators", ownership.functions_of_administrators, _statuses(403)
    ),
    Attack(
        "API5",
        "functions-by-another-address",
        ownership.functions_by_another_address,
        _statuses(400, 403, 404),
    ),
    Attack(
        "API5",
        "functions-by-another-method",
        ownership.functions_by_another_method,
        _statuses(403, 404, 405),
    ),
    Attack(
        "API5",
        "functions-by-a-rewritten-address",
        ownership.functions_by_a_rewritten_address,
        _statuses(200),
    ),
)
"""Sent to services with accounts."""

ON_PASSWORDS: tuple[Attack[Rivalry], ...] = (
    Attack(
        "API2", "an-account-by-its-address", ownership.account_by_its_address, _statuses(409, 422)
    ),
    Attack(
        "API2",
        "an-account-by-a-stolen-login",
        ownership.account_by_a_stolen_login,
        _statuses(401, 422),
    ),
    Attack(
        "API6", "guesses-from-many-peers", ownership.guesses_from_many_peers, _statuses(401, 429)
    ),
    Attack(
        "API6", "guesses-at-many-accounts", ownership.guesses_at_many_accounts, _statuses(401, 429)
    ),
    Attack(
        "API6",
        "guesses-under-forged-addresses",
        ownership.guesses_under_forged_addresses,
        _statuses(401, 429),
    ),
    Attack(
        "API6",
        "guesses-under-other-spellings",
        ownership.guesses_under_other_spellings,
        _statuses(401, 429),
    ),
)
"""Sent to services with password logins."""
