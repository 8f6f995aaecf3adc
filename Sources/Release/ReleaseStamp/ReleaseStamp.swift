internal import CReleaseStamp
import ValueStreamCore

/// The version as `make dist` wrote it into this program.
package enum ReleaseStamp {
  /// The version that `--version` prints.
  ///
  /// It is `0.1.0` for the release of that tag, and such as `0.1.0-dev.7.g1a2b3c4` or `0.1.0+7.g1a2b3c4` for an archive made
  /// from another commit. Programs that `make dist` did not make say that they are no release.
  package static var version: String {
    let stamp = String(cString: release_stamp())
    return stamp.isEmpty ? "\(ValueStreamVersion.current) (not a release)" : stamp
  }
}
