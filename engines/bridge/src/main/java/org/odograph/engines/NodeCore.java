package org.odograph.engines;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * The core in a Node process of its own: frames with a 32-bit length before them, over its pipes. A
 * process that has ended is started again and asked the same.
 */
public final class NodeCore implements Core {
  /** Calls of one request before the reason is taken to lie in the request. */
  private static final int ATTEMPTS = 3;

  private final String script;
  private final byte[] configuration;
  private Process child;
  private DataOutputStream out;
  private DataInputStream in;

  /**
   * @param script path of the bundle's main file
   * @param configuration JSON with the rules and the settings of text lines, empty for the defaults
   */
  public NodeCore(String script, String configuration) {
    this.script = script;
    this.configuration = configuration.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public byte[] fold(byte[] request) {
    IOException failure = null;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        if (child == null) {
          start();
        }
        send(request);
        byte[] response = new byte[in.readInt()];
        in.readFully(response);
        return response;
      } catch (IOException e) {
        failure = e;
        stop();
      }
    }
    throw new CoreException(
        "the core's process ended " + ATTEMPTS + " times while it was asked the same; its standard error says why",
        failure);
  }

  @Override
  public void close() {
    stop();
  }

  private void start() throws IOException {
    child =
        new ProcessBuilder("node", "--max-semi-space-size=32", script)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    out = new DataOutputStream(new BufferedOutputStream(child.getOutputStream(), 1 << 16));
    in = new DataInputStream(new BufferedInputStream(child.getInputStream(), 1 << 16));
    send(configuration);
  }

  private void send(byte[] frame) throws IOException {
    out.writeInt(frame.length);
    out.write(frame);
    out.flush();
  }

  private void stop() {
    if (child == null) {
      return;
    }
    try {
      out.close();
    } catch (IOException e) {
      // The process has ended; its pipe is closed already.
    }
    try {
      if (!child.waitFor(2, TimeUnit.SECONDS)) {
        child.destroyForcibly();
      }
    } catch (InterruptedException e) {
      child.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    child = null;
  }
}
