-- Signed deliveries of a generated history for wrk, each sent once. Each thread sends its share in order.
--
--   wrk ... -s history.lua URL -- PATH-OF-HISTORY.ndjson SECRET THREADS
--
-- At its end, the history starts again with new delivery ids. That is cheaper for vsd, so generate a history that is long enough.
-- LUA_PATH must contain this directory.

local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

local requests = {}
local head
local sign
local counter = 0

function init(arguments)
  sign = require("signing")(arguments[2])
  local stride = tonumber(arguments[3])
  local number = 0
  for line in io.lines(arguments[1]) do
    if number % stride == thread_number then
      requests[#requests + 1] = {
        event = line:match('"X%-GitHub%-Event":"(.-)"'), id = line:match('"X%-GitHub%-Delivery":"(.-)"'),
        body = line:match('"body":(.*)}$'),
      }
    end
    number = number + 1
  end
  assert(#requests > 0, "the history is empty")
  head = "POST /github HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. "\r\nAccept: */*\r\nContent-Type: application/json\r\nUser-Agent: GitHub-Hookshot/0f3a2b1\r\n"
end

function request()
  local delivery = requests[counter % #requests + 1]
  local round = math.floor(counter / #requests)
  counter = counter + 1
  return head .. "X-GitHub-Event: " .. delivery.event .. "\r\nX-GitHub-Delivery: " .. delivery.id
    .. (round > 0 and "-" .. round or "") .. "\r\nX-Hub-Signature-256: sha256=" .. sign(delivery.body)
    .. "\r\nContent-Length: " .. #delivery.body .. "\r\n\r\n" .. delivery.body
end

done = require("report")
