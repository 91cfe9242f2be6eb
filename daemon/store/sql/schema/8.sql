-- What people ask of an account in SQL says since when it fails, as the API does.

DROP VIEW v_account;
CREATE VIEW v_account AS SELECT
	name,
	messages,
	octets AS bytes,
	strftime('%Y-%m-%dT%H:%M:%fZ', last_success_ms / 1000.0, 'unixepoch')
	  AS last_success,
	last_error,
	strftime('%Y-%m-%dT%H:%M:%fZ', last_error_ms / 1000.0, 'unixepoch')
	  AS last_error_at,
	id,
	stable_id,
	strftime('%Y-%m-%dT%H:%M:%fZ', failing_since_ms / 1000.0, 'unixepoch')
	  AS failing_since
	FROM account;
