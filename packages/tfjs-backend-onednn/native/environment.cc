// Loaded before onednn.node: threads of OpenMP must sleep, not spin, while they wait. With the default, one busy neighbour
// on the machine holds up every parallel loop. Tens of microseconds of spinning before they sleep are less than waking costs.
// libgomp reads both once, while it loads.
#include <node_api.h>
#include <stdlib.h>

extern "C" NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env, napi_value exports) {
  if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "2000", 0);
  setenv("OMP_WAIT_POLICY", "passive", 0);
  return exports;
}

extern "C" NAPI_MODULE_EXPORT int32_t node_api_module_get_api_version_v1() { return 8; }
