--[[
stir.lua: rspamd (3.4 and later) reads what stir-milter found.

Goes to /etc/rspamd/plugins.d/stir.lua; its settings are in rspamd.conf.local of
the same folder as this one.  stir-milter stands before rspamd among the milters
of the listener that takes mail in: see NEIGHBOURS in stir-milter(8).

What is read: the one Authentication-Results field with our authserv_id and the
method x-stir, and, only if there is one, X-STIR-Policy.  What counts: a field
that stands above every Received field of the message, where stir-milter puts it.
One below was in the message when it came, and is a stranger's, whatever it says.
]]--

local N = 'stir'

local lua_util = require 'lua_util'
local rspamd_logger = require 'rspamd_logger'

local settings = {
  authserv_id = nil, -- AuthservID of stir-milter.conf; without it nothing is read
  own_hops = 0,      -- Received fields of our own hosts above the result
}

-- One of these for every result, with the reason as option; then what it means.
-- A pass says who sent, not that it is wanted, so by itself it is worth nothing.
local symbols = {
  STIR_PASS = {0.0, 'STIR: the PASSporT is the sender\'s, and fits the message'},
  STIR_PASS_FULL = {0.0, 'STIR: ... its certificate speaks for the number itself, and the content is the signed one'},
  STIR_NONE = {0.0, 'STIR: mail of a number without PASSporT'},
  STIR_FAIL = {0.0, 'STIR: the PASSporT does not hold'},
  STIR_POLICY = {0.0, 'STIR: the PASSporT holds, and is less than is asked for here'},
  STIR_TEMPERROR = {0.0, 'STIR: not checked, for want of a certificate or the like'},
  STIR_PERMERROR = {0.0, 'STIR: the PASSporT can not be read'},
  STIR_FORGED = {5.0, 'STIR: somebody signed who does not speak for this number'},
  STIR_REPLAYED = {4.0, 'STIR: a PASSporT that was used before'},
  STIR_CHANGED = {3.0, 'STIR: the content is not the one that was signed'},
  STIR_MARKED = {0.0, 'STIR: the policy of stir-milter would mark it'},
  STIR_HELD = {0.0, 'STIR: ... would hold or redirect it'},
  STIR_REFUSED = {0.0, 'STIR: ... would refuse or discard it'},
  STIR_FOREIGN = {0.0, 'STIR: brought a result of somebody else along; it counts for nothing'},
  STIR_AMBIGUOUS = {0.0, 'STIR: several results that could be ours; none counts'},
}

local word_symbol = {
  pass = 'STIR_PASS',
  none = 'STIR_NONE',
  fail = 'STIR_FAIL',
  policy = 'STIR_POLICY',
  temperror = 'STIR_TEMPERROR',
  permerror = 'STIR_PERMERROR',
}

local reason_symbol = {
  ['bad-signature'] = 'STIR_FORGED',
  ['orig-mismatch'] = 'STIR_FORGED',
  ['number-not-authorised'] = 'STIR_FORGED',
  ['constraint-violated'] = 'STIR_FORGED',
  ['cert-revoked'] = 'STIR_FORGED',
  ['replayed'] = 'STIR_REPLAYED',
  ['msgi-mismatch'] = 'STIR_CHANGED',
  ['msgc-mismatch'] = 'STIR_CHANGED',
}

local would_symbol = {
  tag = 'STIR_MARKED',
  quarantine = 'STIR_HELD',
  redirect = 'STIR_HELD',
  tempfail = 'STIR_REFUSED',
  reject = 'STIR_REFUSED',
  discard = 'STIR_REFUSED',
}

-- The value of a field on one line.
local function unfolded(field)
  return (field.value or ''):gsub('%s+', ' ')
end

-- Where the header begins that was in the message when it came: fields are numbered from the top.
local function border(task)
  local received = {}
  for _, field in ipairs(task:get_header_full('Received') or {}) do
    received[#received + 1] = field.order
  end
  table.sort(received)
  return received[settings.own_hops + 1] or math.huge
end

-- "mx.example.com; x-stir=pass reason=ok policy.authority=tn ..."; nil if it is not ours.
local function read_result(value)
  local id, word, rest = value:match('^ ?([^%s;"()]+) ?; x%-stir=(%l+) (.*)$')
  if not id or id:lower() ~= settings.authserv_id or not word_symbol[word] then
    return nil
  end
  local result = {word = word, reason = rest:match('^reason=([%l%d-]+)') or 'unknown'}
  for name, what in rest:gmatch(' policy%.([%l-]+)=([%l%d-]+)') do
    result[name] = result[name] or what
  end
  return result
end

-- Our results, and whether strangers' came along.
local function results(task)
  local first_of_theirs, ours, foreign = border(task), {}, false
  for _, field in ipairs(task:get_header_full('Authentication-Results') or {}) do
    local value = unfolded(field)
    local result = field.order < first_of_theirs and read_result(value)
    if result then
      ours[#ours + 1] = result
    elseif value:lower():find('x-stir', 1, true) then
      foreign = true
    end
  end
  return ours, foreign
end

local function insert(task, symbol, ...)
  task:insert_result(symbol, 1.0, ...)
end

local function insert_verdict(task)
  local fields = task:get_header_full('X-STIR-Policy') or {}
  if #fields ~= 1 then
    return
  end
  local value = unfolded(fields[1])
  local symbol = would_symbol[value:match(' would=(%l+)') or '']
  if symbol then
    insert(task, symbol, value:match('score=(-?[%d.]+)') or '', value:match(' rules=([%u%d_,+]+)') or '')
  end
end

local local_or_authed

local function check(task)
  -- Mail of our own hosts and users is signed, not verified: what it says of itself is theirs.
  if lua_util.is_skip_local_or_authed(task, local_or_authed) then
    return
  end
  local ours, foreign = results(task)
  if foreign then
    insert(task, 'STIR_FOREIGN')
  end
  if #ours > 1 then
    insert(task, 'STIR_AMBIGUOUS')
  end
  if #ours ~= 1 then
    return
  end
  local r = ours[1]
  insert(task, word_symbol[r.word], r.reason)
  if r.word == 'pass' and r.authority == 'tn' and (r.msgi == 'raw' or r.msgi == 'decoded') then
    insert(task, 'STIR_PASS_FULL')
  end
  if r.word == 'fail' and reason_symbol[r.reason] then
    insert(task, reason_symbol[r.reason])
  end
  insert_verdict(task)
end

local opts = rspamd_config:get_all_opt(N)
if opts then
  settings = lua_util.override_defaults(settings, opts)
end
if type(settings.authserv_id) ~= 'string' or settings.authserv_id == '' then
  rspamd_logger.errx(rspamd_config,
    'stir: nothing is read: write "stir { authserv_id = ...; }", with AuthservID of stir-milter.conf, into rspamd.conf.local')
  lua_util.disable_module(N, 'config')
  return
end
if type(settings.own_hops) ~= 'number' or settings.own_hops < 0 then
  rspamd_logger.errx(rspamd_config, 'stir: own_hops is a number from 0 on, not %s; nothing is read', settings.own_hops)
  lua_util.disable_module(N, 'config')
  return
end
settings.authserv_id = settings.authserv_id:lower()
rspamd_logger.infox(rspamd_config, 'stir: reads the results of %s', settings.authserv_id)
local_or_authed = lua_util.config_check_local_or_authed(rspamd_config, N, false, false)

local id = rspamd_config:register_symbol({name = 'STIR_CHECK', type = 'callback', callback = check, group = N})
for name, what in pairs(symbols) do
  rspamd_config:register_symbol({
    name = name, type = 'virtual', parent = id, group = N, score = what[1], description = what[2],
  })
end
