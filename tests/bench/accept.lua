-- A tool call by HTTP, each of a call and to a number of its own. Arguments: the secret, a word that makes
-- the ids of this run unique. Prints one JSON object: requests, errors, seconds, p50 and p99 in milliseconds.
local count, secret, run = 0, "", ""

function init(args)
  secret, run = args[1], args[2]
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. secret
end

function request()
  count = count + 1
  return wrk.format("POST", nil, nil, string.format(
    '{"callId":"%s-%d","toolCallId":"1","customerPhoneNumber":"+1415%07d",' ..
    '"parameters":{"guests":"%d","consent":"Yes, please text me."}}',
    run, count, 2220000 + count, count))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"errors":%d,"seconds":%f,"p50":%f,"p99":%f}\n',
    summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
