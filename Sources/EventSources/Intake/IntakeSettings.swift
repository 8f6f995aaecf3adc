package import ValueStreamCore

/// What users set of the HTTP server.
package enum IntakeSettings {
  package static let address = Setting<ListenAddress>(
    "addr", placeholder: "ADDRESS", default: ListenAddress(host: .v4("127.0.0.1"), port: 5000),
    defaultText: "127.0.0.1:5000", help: "Listen address; :5000 means every interface.", parse: parseAddress)

  package static let adminAddress = Setting<ListenAddress?>(
    "admin-addr", placeholder: "ADDRESS", default: nil, defaultText: nil,
    help: "Separate listener for API and /metrics; the other then serves deliveries and health only."
  ) { text throws(SettingError) in try parseAddress(text) }

  package static let readToken = Setting<String?>.optionalText(
    "read-token", placeholder: "TOKEN",
    help:
      "Token for API and /metrics, as Bearer or as the password of Basic. Without one, the API answers on loopback only, and /metrics to all."
  )

  package static let listeningFile = Setting<String?>.optionalText(
    "listening-file", placeholder: "FILE",
    help:
      "Writes the addresses it listens on to this file, one a line, as soon as it does: for scripts, and for ports that the system chose."
  )

  package static let maxBody = Setting<ByteCount>(
    "max-body", placeholder: "SIZE", default: ByteCount(bytes: 25 << 20), defaultText: "25MiB",
    help: "Largest request body, counted after decompression; larger ones are answered 413."
  ) { text throws(SettingError) in
    let size = try ByteCount(setting: text)
    guard (1...(1 << 30)).contains(size.bytes) else { throw SettingError(expected: "a size from 1B to 1GiB") }
    return size
  }

  package static let trustedProxy = Setting<[AddressRange]>(
    "trusted-proxy", placeholder: "ADDRESSES", default: [], defaultText: nil,
    help:
      "Proxies and balancers in front, as addresses or ranges (10.0.0.0/8), separated by commas: the limit of connections of an address does not hold for them, and X-Forwarded-For tells who sent."
  ) { text throws(SettingError) in
    try text.split(separator: ",").map { part throws(SettingError) in
      let name = part.drop { $0 == " " }
      guard let range = AddressRange(name.prefix { $0 != " " }) else {
        throw SettingError(expected: "addresses or ranges such as 10.0.0.7 or 10.0.0.0/8, separated by commas")
      }
      return range
    }
  }

  package static let declarations = [
    address.declaration, adminAddress.declaration, listeningFile.declaration, readToken.declaration, maxBody.declaration,
    trustedProxy.declaration,
  ]

  private static func parseAddress(_ text: String) throws(SettingError) -> ListenAddress {
    do throws(ListenError) {
      return try ListenAddress(text)
    } catch {
      throw SettingError(expected: "an address such as 127.0.0.1:5000, [::1]:5000 or :5000")
    }
  }
}
