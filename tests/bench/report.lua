-- For wrk: one line of JSON at the end.  With it alone every request is the same and costs wrk next to nothing.
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
