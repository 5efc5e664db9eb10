-- What wrk sends: one short chat completion, with the key of the target under test.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = os.getenv("BENCH_AUTHORIZATION") or "Bearer none"
wrk.body = '{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You measure."},{"role":"user","content":"How fast is this?"}],"temperature":0}'
