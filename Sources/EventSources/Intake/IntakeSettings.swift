package import ValueStreamCore

/// The settings of the HTTP server.
package enum IntakeSettings {
  package static let address = Setting<ListenAddress>(
    "addr", placeholder: "ADDRESS", default: ListenAddress(host: .v4("127.0.0.1"), port: 5000),
    defaultText: "127.0.0.1:5000",
    help: "Address to listen on. :5000 listens on every interface, and port 0 lets the system choose.", parse: parseAddress)

  package static let adminAddress = Setting<ListenAddress?>(
    "admin-addr", placeholder: "ADDRESS", default: nil, defaultText: nil,
    help: "Serve the API and /metrics on this address. The other listener then takes only deliveries and health checks."
  ) { text throws(SettingError) in try parseAddress(text) }

  package static let readToken = Setting<String?>.optionalText(
    "read-token", placeholder: "TOKEN",
    help:
      "Require this token for the API and /metrics, as a Bearer token or a Basic password. Without a token, the API answers on loopback addresses only and /metrics answers everyone. Prefer the variable: process lists show flags."
  )

  package static let operatorToken = Setting<String?>.optionalText(
    "operator-token", placeholder: "TOKEN",
    help:
      "Require this token for writing: leaving items out of reports and taking them back, as a Bearer token or on the sign-in page. It also allows reading. Without a token, only requests directly from this machine may write. Prefer the variable or the file: process lists show flags."
  )

  package static let operatorTokenFile = Setting<String?>.optionalText(
    "operator-token-file", placeholder: "FILE", help: "File that holds the operator token.")

  package static let importSecret = SecretSetting("import-secret", of: "imported deliveries")

  package static let listeningFile = Setting<String?>.optionalText(
    "listening-file", placeholder: "FILE",
    help:
      "Write the addresses vsd listens on to this file, one per line, and remove it on exit. For scripts, and for ports that the system chose."
  )

  package static let maxBody = Setting<ByteCount>(
    "max-body", placeholder: "SIZE", default: ByteCount(bytes: 25 << 20), defaultText: "25MiB",
    help: "Largest request body, after decompression. Larger ones get 413."
  ) { text throws(SettingError) in
    let size = try ByteCount(setting: text)
    guard (1...(1 << 30)).contains(size.bytes) else { throw SettingError(expected: "a size from 1B to 1GiB") }
    return size
  }

  package static let trustedProxy = Setting<[AddressRange]>(
    "trusted-proxy", placeholder: "ADDRESSES", default: [], defaultText: nil,
    help:
      "Proxies and load balancers in front of vsd, as addresses or ranges (10.0.0.0/8), separated by commas. vsd takes the sender's address from their X-Forwarded-For, and does not limit how many connections they open."
  ) { text throws(SettingError) in
    try text.split(separator: ",").map { part throws(SettingError) in
      let name = part.drop { $0 == " " }
      guard let range = AddressRange(name.prefix { $0 != " " }) else {
        throw SettingError(expected: "addresses or ranges such as 10.0.0.7 or 10.0.0.0/8, separated by commas")
      }
      return range
    }
  }

  package static let publicURL = Setting<String?>(
    "public-url", placeholder: "URL", default: nil, defaultText: nil,
    help:
      "Address at which people and senders reach vsd through a proxy, such as https://vsd.example.org or https://tools.example.org/vsd. Pages show it, and links of pages and of the API begin with its path; with https, browsers send their sign-in over nothing else. Forms that write are taken from pages at this address only."
  ) { text throws(SettingError) in
    let address = try WebAddress.server(text, example: "https://vsd.example.org")
    guard !address.utf8.contains(where: { Array("?#;,@".utf8).contains($0) }) else {
      throw SettingError(expected: "an address without user, ?, # and ;", isTextHidden: true)
    }
    return address
  }

  package static let declarations = [
    address.declaration, adminAddress.declaration, listeningFile.declaration, readToken.declaration,
    operatorToken.declaration, operatorTokenFile.declaration, publicURL.declaration, maxBody.declaration,
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
