-- For wrk: requests from a file, each once.
--   wrk ... -s replay.lua -- [FILE PATH CONTENT_TYPE [HEADER]]     lines of FILE: header, tab, body
-- Prints one line of JSON at the end.  When the file has ended it begins anew, which `again` counts.
local file, name, head

function init(args)
    name = args[1]
    if not name then return end
    file = assert(io.open(name, "r"))
    head = "POST " .. args[2] .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nContent-Type: " .. args[3] .. "\r\n"
    if args[4] then head = head .. args[4] .. "\r\n" end
    again = 0
end

function next_line()
    local line = file:read("*l")
    if not line then
        again = again + 1
        file:seek("set", 0)
        line = file:read("*l")
    end
    return line
end

function request()
    if not file then return wrk.format() end
    local line = next_line()
    local tab = line:find("\t", 1, true)
    return head .. line:sub(1, tab - 1) .. "\r\nContent-Length: " .. #line - tab .. "\r\n\r\n" .. line:sub(tab + 1)
end

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function done(summary, latency, requests)
    local again = 0
    for _, thread in ipairs(threads) do again = again + (thread:get("again") or 0) end
    local e = summary.errors
    io.write(string.format('{"requests": %d, "seconds": %.6f, "wrong": %d, "broken": %d, "again": %d, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f}\n',
        summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout, again,
        latency:percentile(50), latency:percentile(99), latency.max))
end
