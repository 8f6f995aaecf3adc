-- Signed GitHub `issues` deliveries for wrk: each issue is opened, then closed. Every delivery has its own id. (wrk generates a
-- request that it inspects and does not send, so the first issue is only closed.)
--
--   wrk ... -s deliveries.lua URL -- PATH-OF-issue-event.json SECRET [THREADS [FIRST TOTAL]]
--
-- Several wrk that send to one store together need ids of their own: FIRST is the number of threads of those before, TOTAL that of all.
-- LUA_PATH must contain this directory. report.lua describes the last line of the output.

local repositories = 16
local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

local function utc(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

-- The payload as GitHub sends it, without line breaks and indentation, split where a value changes from issue to issue. Texts
-- and names of values alternate.
local function pieces_of(template, number)
  local name = "shop-" .. number
  local text = template:gsub("\n%s*", ""):gsub('": ', '":')
    :gsub("@REPOSITORY@", "harbour-lights/" .. name)
    :gsub("@REPOSITORY_NAME@", name)
    :gsub("@REPOSITORY_ID@", tostring(350000000 + number))
  local pieces, values = {}, {}
  local position = 1
  for before, value, after in text:gmatch("()@([A-Z_]+)@()") do
    pieces[#pieces + 1] = text:sub(position, before - 1)
    pieces[#pieces + 1] = ""
    values[#pieces] = value
    position = after
  end
  pieces[#pieces + 1] = text:sub(position)
  return { pieces = pieces, values = values }
end

local templates = {}
local sign
local counter = 0
local head
local total = 2

function init(arguments)
  thread_number = thread_number + (tonumber(arguments[4]) or 0)
  total = tonumber(arguments[5]) or total
  local file = assert(io.open(arguments[1], "r"))
  local template = file:read("*a")
  file:close()
  sign = require("signing")(arguments[2])
  for number = 1, repositories do templates[number] = pieces_of(template, number) end
  head = "POST /github HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. "\r\nAccept: */*\r\nContent-Type: application/json\r\nUser-Agent: GitHub-Hookshot/0f3a2b1"
    .. "\r\nX-GitHub-Event: issues\r\nX-GitHub-Hook-ID: 425100017\r\nX-GitHub-Hook-Installation-Target-ID: 41230077"
    .. "\r\nX-GitHub-Hook-Installation-Target-Type: organization\r\n"
end

-- The values of one issue, used for two payloads: its opening and its closing.
local issue = {}

function request()
  local closing = counter % 2 == 1
  local round = math.floor(counter / 2)
  -- Issue numbers increase in each repository, as in practice, and each thread has its own numbers.
  local repository = round % repositories + 1
  local serial = round * total + thread_number
  if not closing then
    local opened = 1768900000 + serial
    issue.NUMBER = tostring(math.floor(round / repositories) * total + thread_number + 1)
    issue.ISSUE_ID = tostring(2900000000 + serial)
    issue.CREATED = utc(opened)
    issue.UPDATED = issue.CREATED
    issue.ACTION, issue.STATE, issue.CLOSED, issue.REASON = "opened", "open", "null", "null"
  else
    issue.UPDATED = utc(1768900000 + serial + 5400)
    issue.ACTION, issue.STATE, issue.REASON = "closed", "closed", '"completed"'
    issue.CLOSED = '"' .. issue.UPDATED .. '"'
  end
  local template = templates[repository]
  local pieces = template.pieces
  for index, value in pairs(template.values) do pieces[index] = issue[value] end
  local body = table.concat(pieces)
  counter = counter + 1
  return head .. string.format("X-GitHub-Delivery: 5eed%04x-bead-4ace-8000-%012x", thread_number, counter)
    .. "\r\nX-Hub-Signature-256: sha256=" .. sign(body)
    .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

done = require("report")
