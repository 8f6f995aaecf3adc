/// The version of this library and its programs.
public enum ValueStreamVersion {
  /// The semantic version, without a prefix.
  public static let current = "0.1.0"
}
