-- With `done = require("report")`, wrk prints one more line at the end, which scripts can read: "measured", requests,
-- microseconds, p50 and p99 in microseconds, failed requests.

return function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("measured %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
