-- Signs bodies as GitHub does: `require("signing")(SECRET)` returns a function that maps a body to its hexadecimal signature.

local ffi = require("ffi")

-- wrk is linked with libcrypto, so its symbols are available.
ffi.cdef [[
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *digest, const void *key, int key_length, const unsigned char *data, size_t length,
                      unsigned char *code, unsigned int *code_length);
]]

return function(secret)
  local code = ffi.new("unsigned char[32]")
  local code_length = ffi.new("unsigned int[1]")
  local sha256 = ffi.C.EVP_sha256()
  local hexadecimal = {}
  for byte = 0, 255 do hexadecimal[byte] = string.format("%02x", byte) end
  local digits = {}

  return function(body)
    ffi.C.HMAC(sha256, secret, #secret, body, #body, code, code_length)
    for index = 0, 31 do digits[index + 1] = hexadecimal[code[index]] end
    return table.concat(digits)
  end
end
