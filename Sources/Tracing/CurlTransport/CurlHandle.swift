import CCurl

/// A libcurl transfer handle with its open connections, used for one request after another.
final class CurlHandle: @unchecked Sendable {  // Only the thread that took it from the pool uses it, except for `wakeUp`.
  let easy: UnsafeMutableRawPointer
  let multi: UnsafeMutableRawPointer

  /// True if libcurl is initialized, which must happen once per process.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Nil if memory is short.
  init?() {
    guard Self.isReady, let easy = curl_easy_init() else { return nil }
    guard let multi = curl_multi_init() else {
      curl_easy_cleanup(easy)
      return nil
    }
    self.easy = easy
    self.multi = multi
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_multi_cleanup(multi)
  }

  /// Wakes the thread that waits for the network. Safe to call from any thread.
  func wakeUp() {
    curl_multi_wakeup(multi)
  }
}
