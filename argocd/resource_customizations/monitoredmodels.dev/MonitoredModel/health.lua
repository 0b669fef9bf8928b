-- Health of a MonitoredModel, from its top condition only. The operator follows kstatus: Ready, and Reconciling or Stalled
-- while it is not; spec.suspend is neither, by intention.
local function health(status, message)
  return {status = status, message = message}
end

local spec = obj.spec or {}
local status = obj.status or {}

local ready = nil
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  end
end

if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "Waiting for the operator")
end
if spec.suspend then
  return health("Suspended", ready.message)
end
if ready.status == "True" then
  return health("Healthy", ready.message)
end
for _, condition in ipairs(status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    return health("Degraded", ready.reason .. ": " .. ready.message)
  end
end
return health("Progressing", ready.reason .. ": " .. ready.message)
