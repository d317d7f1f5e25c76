"""What Redis does in one piece. Each script runs alone, so reading and writing cannot be torn apart.

The client sends a command again when the answer was lost. Every script that could mistake its own
first run for somebody else's therefore gets a ``token``, new for each call, and knows it again.
"""

# KEYS: incident, thread, incidents, unfinished
# ARGV: id, version, body, opened, token, seconds to keep it ("" while it is not closed), prefix of references
# Answers "" or the version that is stored.
SAVE = """
local stored = redis.call('HGET', KEYS[1], 'version')
if stored and tonumber(stored) ~= tonumber(ARGV[2]) - 1 then
  if stored == ARGV[2] and redis.call('HGET', KEYS[1], 'token') == ARGV[5] then return '' end
  return stored
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'body', ARGV[3], 'token', ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
local theirs = {KEYS[1], KEYS[2]}
local posted = redis.call('HGETALL', KEYS[2])
for i = 2, #posted, 2 do
  local one = cjson.decode(posted[i])
  if one.ref ~= '' then
    local chat = string.match(posted[i - 1], '^[^/]*')
    table.insert(theirs, ARGV[7] .. chat .. ':' .. one.channel .. ':' .. one.ref)
  end
end
if ARGV[6] == '' then
  redis.call('ZADD', KEYS[4], ARGV[4], ARGV[1])
  for _, key in ipairs(theirs) do redis.call('PERSIST', key) end
else
  redis.call('ZREM', KEYS[4], ARGV[1])
  for _, key in ipairs(theirs) do redis.call('EXPIRE', key, ARGV[6]) end
end
return ''
"""

# KEYS: incident, thread, reference   ARGV: field, posted as JSON, id
# A message of a closed incident is forgotten together with it.
REMEMBER = """
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('SET', KEYS[3], ARGV[3])
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('PEXPIRE', KEYS[2], left)
  redis.call('PEXPIRE', KEYS[3], left)
end
return 1
"""

# KEYS: stream, head   ARGV: the hash that was the head, position, incident, body, hash, token
# Answers 0 if the head has moved.
APPEND = """
local head = redis.call('HGET', KEYS[2], 'hash') or ''
if head ~= ARGV[1] then
  if head == ARGV[5] and redis.call('HGET', KEYS[2], 'token') == ARGV[6] then return 1 end
  return 0
end
redis.call('XADD', KEYS[1], ARGV[2] .. '-0', 'incident', ARGV[3], 'body', ARGV[4], 'hash', ARGV[5])
redis.call('HSET', KEYS[2], 'count', ARGV[2], 'hash', ARGV[5], 'token', ARGV[6])
return 1
"""

# KEYS: claim   ARGV: owner, milliseconds
# Answers 1 if the claim is the owner's now; an owner may prolong what it has.
# For a delivery, which nobody may have twice, the owner is a new token each time.
CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: claim   ARGV: owner
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""
