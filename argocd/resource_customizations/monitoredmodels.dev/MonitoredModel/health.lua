-- The status follows kstatus: Ready, and while it is not True either Reconciling or Stalled. A suspended model has neither.
-- Ready summarizes all that blocks a model, so that no other condition is read here.
local ready = nil
local stalled = false
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then
      ready = condition
    elseif condition.type == "Stalled" then
      stalled = condition.status == "True"
    end
  end
end

if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not reported on this generation yet" }
end
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
if ready.reason == "Suspended" then
  return { status = "Suspended", message = ready.message }
end
return {
  status = stalled and "Degraded" or "Progressing",
  message = ready.reason .. ": " .. ready.message,
}
