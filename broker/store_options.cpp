#include "broker/store_options.h"

namespace warren {

storage::DatabaseOptions store_options() {
  return {};
}

}  // namespace warren
