-- name: names
-- The views last: they say the same again, for people. Rows as they were written are left out: they hold what files held.
SELECT name FROM sqlite_schema
WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_' AND name <> 'kept_rows'
ORDER BY type, name

-- name: views
SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name
