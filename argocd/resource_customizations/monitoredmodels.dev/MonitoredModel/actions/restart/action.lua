-- The operator copies this annotation to the pod template, so that all pods are replaced as in a rollout.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["monitoredmodels.dev/restarted-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
