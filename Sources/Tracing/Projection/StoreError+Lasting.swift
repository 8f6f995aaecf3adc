import ValueStreamCore

extension StoreError {
  /// True if the same step would fail again, so that smaller steps must show what is to blame.
  ///
  /// False for a full disk, because a later write may succeed. An I/O error counts as lasting after several consecutive failures.
  ///
  /// - Parameter failures: The number of consecutive failures so far.
  func isLasting(after failures: Int) -> Bool {
    switch code {
    case .corrupt, .rejected, .newerVersion: true
    case .inputOutput: failures >= Self.patience
    case .noSpace, .busy, .unusable: false
    }
  }

  /// The number of consecutive I/O errors after which smaller steps are taken.
  private static let patience = 3
}
