/// The version of this library and its programs.
public enum ValueStreamVersion {
  /// The semantic version, without a prefix.
  public static let current = "0.1.0"

  /// The version that `--version` prints.
  ///
  /// - Parameter stamp: what `make dist` wrote into the program: `0.1.0` for the release of that tag, and such as
  ///   `0.1.0-dev.7.g1a2b3c4` or `0.1.0+7.g1a2b3c4` for an archive made from another commit. Empty in other programs, which say
  ///   that they are no release.
  package static func shown(stamp: String) -> String {
    stamp.isEmpty ? "\(current) (not a release)" : stamp
  }
}
