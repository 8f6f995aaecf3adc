import CZlib
import CZstd

/// Compresses bytes for tests.
enum Compressed {
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var stream = z_stream()
    vs_gzip_init(&stream)
    defer { deflateEnd(&stream) }
    return [UInt8](unsafeUninitializedCapacity: bytes.count + 1000) { output, count in
      bytes.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        deflate(&stream, Z_FINISH)
      }
      count = Int(stream.total_out)
    }
  }

  /// Compresses with a checksum, so that the reader detects damage.
  static func zstd(_ bytes: [UInt8]) -> [UInt8] {
    let context = ZSTD_createCCtx()
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    return [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, count in
      count = ZSTD_compress2(context, output.baseAddress, output.count, bytes, bytes.count)
    }
  }
}
