import CEventLoop

/// The limit on open files and connections of the process.
package enum OpenFiles {
  /// The limit is too low for vsd to start.
  package struct Shortage: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
  }

  /// Descriptors for the stores, the exporters and the runtime.
  static let others: UInt = 128
  /// The fewest descriptors that vsd starts with.
  static let least: UInt = 128

  /// Raises the limit as far as the system allows.
  ///
  /// - Throws: ``Shortage`` if the limit stays too low. A library that gets no descriptor may end the process.
  package static func allow() throws(Shortage) {
    let allowed = vs_descriptors_allow(least)
    guard allowed >= least else {
      throw Shortage(
        description: "at most \(allowed) files may be open, and \(least) are needed: raise the limit (ulimit -n, LimitNOFILE=)")
    }
  }

  /// Returns the connections that each listener may have: the wanted number, or fewer if descriptors run short.
  static func connections(_ wanted: Int, reserved: Int, listeners: Int) -> Int {
    let all = UInt(max(1, listeners)) * UInt(max(0, wanted) + max(0, reserved))
    // Half as many again for files, stores and exporters.
    let allowed = vs_descriptors_allow(all * 3 / 2 + 2 * others)
    if allowed >= all + others { return wanted }
    let each = Int(clamping: allowed > others ? (allowed - others) / UInt(max(1, listeners)) : 0)
    return max(1, min(wanted, each - reserved))
  }
}
