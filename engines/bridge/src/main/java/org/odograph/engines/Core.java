package org.odograph.engines;

/**
 * The core behind one function of bytes to bytes; src/engine/protocol.ts says what they mean. The
 * function is pure: a call that failed is sent again. Not for two threads at once.
 */
public interface Core extends AutoCloseable {
  /** @throws CoreException where the core refused the request, or could not be started */
  byte[] fold(byte[] request);

  @Override
  void close();
}
