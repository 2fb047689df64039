-- The script of wrk: what every operation needs. The benchmark puts before it SEED, IDS (a file with
-- a customer a line: id, version, tag) and after it `request`.
local ffi = require("ffi")
ffi.cdef [[
typedef struct { long seconds; long nanoseconds; } bench_time;
int clock_gettime(int clock, bench_time *time);
]]

local random = math.random
local words, customers = {}, {}
local cursor, count = 0, 0

local function make_words()
  for i = 1, 4096 do
    local letters = {}
    for j = 1, WORD do letters[j] = string.char(96 + random(26)) end
    words[i] = table.concat(letters)
  end
end

-- Without a file there is one customer, for operations that name none.
local function read_customers()
  if IDS == "" then
    customers[1], count = { id = "1", version = 1, tag = "" }, 1
    return
  end
  for line in io.lines(IDS) do
    local id, version, tag = line:match("^(%S+) (%d+) (%S*)$")
    count = count + 1
    customers[count] = { id = id, version = tonumber(version), tag = tag }
  end
end

local function now()
  local time = ffi.new("bench_time")
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

function word() return words[random(4096)] end

-- Any customer.
function pick() return customers[random(count)] end

-- wrk asks for one request that it does not send, to see how many it holds.
local asked = false
local function unsent()
  if asked then return nil end
  asked = true
  return { id = "", version = 0, tag = "" }
end

-- The next customer: each once, then the first again, and by then its first turn was answered.
function turn()
  local trial = unsent()
  if trial then return trial end
  cursor = cursor % count + 1
  return customers[cursor]
end

-- The next customer, each once. Near the last the thread ends and notes the time, as wrk itself
-- waits until its time is over; connections that are being served may take one more each.
function take()
  local trial = unsent()
  if trial then return trial end
  if cursor == 0 then began = now() end
  cursor = cursor + 1
  if cursor == count - CLIENTS then
    ended = now()
    wrk.thread:stop()
  end
  return customers[cursor]
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

function init()
  math.randomseed(SEED)
  make_words()
  read_customers()
end

function done(summary, latency)
  local errors = summary.errors
  local seconds, requests = summary.duration / 1e6, summary.requests
  local ended = threads[1]:get("ended")
  if ended then seconds = ended - threads[1]:get("began") end
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '\nBENCH {"requests":%d,"seconds":%.6f,"errors":%d,"bytes":%d,"p50":%d,"p90":%d,"p99":%d,"p999":%d,"max":%d}\n',
    requests, seconds, failed, summary.bytes, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency:percentile(99.9), latency.max))
end
