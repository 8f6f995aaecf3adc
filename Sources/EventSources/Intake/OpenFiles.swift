import CEventLoop

/// Files and connections that the process may have open.
package enum OpenFiles {
  /// The process may have fewer than it needs to start.
  package struct Shortage: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
  }

  /// For the stores, exporters, and whatever the runtime opens.
  static let others: UInt = 128
  /// Fewer are not worth a start.
  static let least: UInt = 128

  /// Raises the limit to what the system allows.
  ///
  /// - Throws: when that is too little: a library that finds no descriptor may end the process.
  package static func allow() throws(Shortage) {
    let allowed = vs_descriptors_allow(least)
    guard allowed >= least else {
      throw Shortage(
        description: "at most \(allowed) files may be open, and \(least) are needed: raise the limit (ulimit -n, LimitNOFILE=)")
    }
  }

  /// How many connections each listener may have: as many as wanted, or as there are descriptors for.
  static func connections(_ wanted: Int, reserved: Int, listeners: Int) -> Int {
    let all = UInt(max(1, listeners)) * UInt(max(0, wanted) + max(0, reserved))
    // Half as many again for files, stores and exporters.
    let allowed = vs_descriptors_allow(all * 3 / 2 + 2 * others)
    if allowed >= all + others { return wanted }
    let each = Int(clamping: allowed > others ? (allowed - others) / UInt(max(1, listeners)) : 0)
    return max(1, min(wanted, each - reserved))
  }
}
