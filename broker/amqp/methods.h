// Method: any method of AMQP 0-9-1 and of RabbitMQ's extensions, read and written by one generic
// codec over the structs' fields. Pure: any thread. Source: AMQP 0-9-1 §4.2.4; field types in
// method_info.h.
#pragma once

#include <algorithm>
#include <concepts>
#include <string_view>
#include <variant>

#include "broker/amqp/methods_basic.h"
#include "broker/amqp/methods_connection.h"
#include "broker/amqp/methods_topology.h"
#include "broker/amqp/output_buffer.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"

namespace warren::amqp {

// Sorted by (class-id, method-id).
using Method = std::variant<
    ConnectionStart, ConnectionStartOk, ConnectionSecure, ConnectionSecureOk, ConnectionTune,
    ConnectionTuneOk, ConnectionOpen, ConnectionOpenOk, ConnectionClose, ConnectionCloseOk,
    ConnectionBlocked, ConnectionUnblocked, ConnectionUpdateSecret, ConnectionUpdateSecretOk,
    ChannelOpen, ChannelOpenOk, ChannelFlow, ChannelFlowOk, ChannelClose, ChannelCloseOk,
    AccessRequest, AccessRequestOk, ExchangeDeclare, ExchangeDeclareOk, ExchangeDelete,
    ExchangeDeleteOk, ExchangeBind, ExchangeBindOk, ExchangeUnbind, ExchangeUnbindOk, QueueDeclare,
    QueueDeclareOk, QueueBind, QueueBindOk, QueuePurge, QueuePurgeOk, QueueDelete, QueueDeleteOk,
    QueueUnbind, QueueUnbindOk, BasicQos, BasicQosOk, BasicConsume, BasicConsumeOk, BasicCancel,
    BasicCancelOk, BasicPublish, BasicReturn, BasicDeliver, BasicGet, BasicGetOk, BasicGetEmpty,
    BasicAck, BasicReject, BasicRecoverAsync, BasicRecover, BasicRecoverOk, BasicNack,
    ConfirmSelect, ConfirmSelectOk, TxSelect, TxSelectOk, TxCommit, TxCommitOk, TxRollback,
    TxRollbackOk>;

// `payload` is a method frame's: class-id, method-id, arguments, nothing else. Views in the result
// live as long as it. Errors: 540 unknown class or method, 501 undecodable, 502 bad table.
Result<Method> decode_method(std::string_view payload);

// Class and method at the front of a method frame's payload, for the errors that name them; zeros
// when it is too short. `name` is empty for an unknown one.
MethodInfo peek_method(std::string_view payload);

const MethodInfo& info_of(const Method& method);

// Appends one complete method frame. REQUIRES: short strings within 255 octets; the whole within
// the peer's frame_max.
void encode(const Method& method, ChannelNumber channel, OutputBuffer& out);

namespace detail {

template <typename M, typename... Ms>
consteval std::size_t index_in(const std::variant<Ms...>*) {
  constexpr bool same[] = {std::same_as<M, Ms>...};
  return static_cast<std::size_t>(std::ranges::find(same, true) - same);
}
// `method` points to the alternative of that index.
void encode_alternative(std::size_t index, const void* method, ChannelNumber channel,
                        OutputBuffer& out);

}  // namespace detail

// The same for one struct, without making a Method of it.
template <typename M>
  requires is_alternative<M, Method>
void encode(const M& method, ChannelNumber channel, OutputBuffer& out) {
  constexpr std::size_t index = detail::index_in<M>(static_cast<const Method*>(nullptr));
  detail::encode_alternative(index, &method, channel, out);
}

}  // namespace warren::amqp
