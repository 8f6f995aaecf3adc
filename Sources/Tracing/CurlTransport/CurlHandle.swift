import CCurl

/// A transfer of libcurl with its open connections, ready for one request after the other.
final class CurlHandle: @unchecked Sendable {  // One thread at a time, which took it from the pool; `wakeUp` is for any.
  let easy: UnsafeMutableRawPointer
  let multi: UnsafeMutableRawPointer

  /// Sets libcurl up, which is to happen once.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Nil when memory is short.
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

  /// Lets the thread that waits for the network look around.
  func wakeUp() {
    curl_multi_wakeup(multi)
  }
}
