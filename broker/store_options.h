// How this server opens its store. A seam at link time: the test build of the server that forgets
// what it did not sync (tests/cluster/power_cut) brings its own definition.
#pragma once

#include "storage/database.h"

namespace warren {

storage::DatabaseOptions store_options();

}  // namespace warren
