// Rows of listings from what this node's front end tells of its clients. Pure: any thread.
#pragma once

#include <string>

#include "broker/frontend/listing.h"
#include "broker/inspect/listings.h"

namespace warren {

inspect::Connection row_of(const frontend::ConnectionListing& listing, const std::string& node);
inspect::Channel row_of(const frontend::ConnectionListing& connection,
                        const frontend::ChannelListing& listing, const std::string& node);
inspect::Consumer row_of(const frontend::ConnectionListing& connection,
                         const frontend::ChannelListing& channel,
                         const frontend::ConsumerListing& listing, const std::string& node);

}  // namespace warren
