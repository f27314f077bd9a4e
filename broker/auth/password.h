// Password hashes as RabbitMQ stores them, so that definitions and users move over:
// base64(salt ‖ SHA-256(salt ‖ password)), salt of 4 octets. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace warren::auth {

constexpr std::string_view sha256_algorithm = "rabbit_password_hashing_sha256";
constexpr std::string_view sha512_algorithm = "rabbit_password_hashing_sha512";

// REQUIRES: salt is 4 octets, algorithm is one of the above.
std::string hash_password(std::string_view password, std::string_view salt,
                          std::string_view algorithm = sha256_algorithm);
// With a random salt.
std::string hash_password(std::string_view password);

// In time that depends on the hash's length only. A hash that is malformed or empty (no password)
// and an unknown algorithm match nothing.
bool verify_password(std::string_view password, std::string_view hash,
                     std::string_view algorithm = sha256_algorithm);

std::string base64_encode(std::string_view octets);
// Nothing when the text is not base64 with its padding (RFC 4648 §4).
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace warren::auth
