// From a queue's definition in the catalog to what its group must know of it. Pure: any thread.
#pragma once

#include "broker/catalog/definitions.h"
#include "broker/queue/settings.h"

namespace warren::catalog {

bool is_single_active(const Arguments& arguments);
// The arguments were checked when the queue was declared; what is no value is no limit.
queue::Settings queue_settings(const QueueInfo& info);

}  // namespace warren::catalog
