-- What wrk sends: one short chat completion, with the headers of the target under test.
wrk.method = os.getenv("BENCH_METHOD") or "POST"
for name, value in (os.getenv("BENCH_HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do
  wrk.headers[name] = value
end
if wrk.method == "POST" then
  local stream = os.getenv("BENCH_STREAM") and ',"stream":true' or ""
  wrk.headers["content-type"] = "application/json"
  wrk.body = '{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You measure."},{"role":"user","content":"How fast is this?"}],"temperature":0' .. stream .. "}"
end
