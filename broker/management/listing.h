// What every listing of the HTTP API can do: filter by name, sort, pick columns, page.
// Parameters and replies as RabbitMQ's management API has them. Pure: any thread.
#pragma once

#include <boost/json/array.hpp>

#include "broker/management/request.h"

namespace warren::management {

// The reply to a listing: the array, or a page object when ?page= is given; 400 when a parameter
// is bad.
Response list_response(const Request& request, boost::json::array rows);

// The reply to a request for one: the row, with ?columns= applied, or 404 when `rows` is empty.
Response one_response(const Request& request, const boost::json::array& rows);

}  // namespace warren::management
