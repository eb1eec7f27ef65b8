-- For wrk: requests from a file, each once.
--   wrk ... -s replay.lua -- FILE PATH CONTENT_TYPE [HEADER]     POST; lines of FILE: header, tab, body
--   wrk ... -s replay.lua -- FILE GET                            lines of FILE: header, tab, target
-- When the file has ended it begins anew, which `again` counts.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")
local file, head

function init(args)
    file = assert(io.open(args[1], "r"))
    again = 0
    if args[2] == "GET" then
        request = get
        return
    end
    head = "POST " .. args[2] .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nContent-Type: " .. args[3] .. "\r\n"
    if args[4] then head = head .. args[4] .. "\r\n" end
end

function get()
    local line = next_line()
    local tab = line:find("\t", 1, true)
    return "GET " .. line:sub(tab + 1) .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n" .. line:sub(1, tab - 1) .. "\r\n\r\n"
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
    local line = next_line()
    local tab = line:find("\t", 1, true)
    return head .. line:sub(1, tab - 1) .. "\r\nContent-Length: " .. #line - tab .. "\r\n\r\n" .. line:sub(tab + 1)
end
