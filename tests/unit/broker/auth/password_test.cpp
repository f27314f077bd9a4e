#include "broker/auth/password.h"

#include <gtest/gtest.h>

namespace warren::auth {
namespace {

TEST(Password, HashesAsRabbitMqDocumentsIt) {
  // The example of RabbitMQ's guide on passwords: salt 908D C60A, password test12.
  EXPECT_EQ(hash_password("test12", "\x90\x8D\xC6\x0A"),
            "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
}

TEST(Password, VerifiesItsOwnHashesAndNoOthers) {
  const std::string hash = hash_password("secret");
  EXPECT_NE(hash, hash_password("secret")) << "the salt is random";
  EXPECT_TRUE(verify_password("secret", hash));
  EXPECT_FALSE(verify_password("Secret", hash));
  EXPECT_FALSE(verify_password("", hash));
  EXPECT_FALSE(verify_password("secret", hash, sha512_algorithm));
  EXPECT_TRUE(verify_password("s", hash_password("s", "1234", sha512_algorithm), sha512_algorithm));
}

TEST(Password, AMalformedHashMatchesNothing) {
  EXPECT_FALSE(verify_password("", ""));
  EXPECT_FALSE(verify_password("x", "not base64!"));
  EXPECT_FALSE(verify_password("x", "AAAA"));
  EXPECT_FALSE(verify_password("x", hash_password("x"), "rabbit_password_hashing_md5"));
}

TEST(Base64, RoundTripsEveryLength) {
  std::string octets;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(octets)), octets);
    octets += static_cast<char>(i * 37);
  }
  EXPECT_EQ(base64_encode("any"), "YW55");
}

TEST(Base64, RefusesWhatIsNotBase64) {
  EXPECT_FALSE(base64_decode("abc"));
  EXPECT_FALSE(base64_decode("ab=c"));
  EXPECT_FALSE(base64_decode("a==="));
  EXPECT_FALSE(base64_decode("ab c"));
}

}  // namespace
}  // namespace warren::auth
