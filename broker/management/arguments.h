// AMQP argument tables as JSON. Pure: any thread.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "broker/inspect/listings.h"

namespace warren::management {

// {"x-max-length": 10, …}; a duplicate's first value counts.
boost::json::object arguments_json(const inspect::Arguments& arguments);

// A binding's key in paths: "~" for no routing key and no arguments, the escaped key, or
// "key~hash" with arguments.
std::string properties_key(const inspect::Binding& binding);

}  // namespace warren::management
