#include "amx.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "onednn.h"

bool tiles_granted() {
  // linux/arch/x86/include/uapi/asm/prctl.h, and the number of the tiles' data among the states that the processor saves.
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  static const bool granted = has_amx_products() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
}
