// Asio is compiled once, here: BOOST_ASIO_SEPARATE_COMPILATION is public to whoever links runtime.
#include <boost/asio/impl/src.hpp>
