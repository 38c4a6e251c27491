-- KEYS  1 halt hash   2 risk freshness   3 policy bundle
-- Reply as conditions.lua
return conditions(KEYS[1], KEYS[2], KEYS[3])
