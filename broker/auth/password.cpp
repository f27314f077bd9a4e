#include "broker/auth/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "broker/base/check.h"

namespace warren::auth {

namespace {

constexpr std::size_t salt_size = 4;

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm == sha256_algorithm) return EVP_sha256();
  if (algorithm == sha512_algorithm) return EVP_sha512();
  return nullptr;
}

std::string salted(std::string_view password, std::string_view salt, const EVP_MD* digest) {
  std::string input(salt);
  input += password;
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(input.data(), input.size(), out, &size, digest, nullptr) == 1);
  OPENSSL_cleanse(input.data(), input.size());
  std::string hash(salt);
  hash.append(reinterpret_cast<const char*>(out), size);
  return hash;
}

}  // namespace

std::string hash_password(std::string_view password, std::string_view salt,
                          std::string_view algorithm) {
  const EVP_MD* digest = digest_of(algorithm);
  CHECK(salt.size() == salt_size && digest);
  return base64_encode(salted(password, salt, digest));
}

std::string hash_password(std::string_view password) {
  unsigned char salt[salt_size];
  CHECK(RAND_bytes(salt, sizeof salt) == 1);
  return hash_password(password, {reinterpret_cast<const char*>(salt), sizeof salt});
}

bool verify_password(std::string_view password, std::string_view hash, std::string_view algorithm) {
  const EVP_MD* digest = digest_of(algorithm);
  const auto stored = base64_decode(hash);
  if (!digest || !stored) return false;
  const auto size = static_cast<std::size_t>(EVP_MD_get_size(digest));
  if (stored->size() != salt_size + size) return false;
  const std::string given = salted(password, stored->substr(0, salt_size), digest);
  return CRYPTO_memcmp(given.data(), stored->data(), given.size()) == 0;
}

std::string base64_encode(std::string_view octets) {
  std::string out((octets.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(octets.data()),
                                   static_cast<int>(octets.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::string_view body = text.substr(0, text.size() - padding);
  if (body.find_first_not_of(digits) != std::string_view::npos) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace warren::auth
