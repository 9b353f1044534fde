package org.odograph.engines;

import java.io.Serializable;

/**
 * A row of the compacted topic of facts.
 *
 * @param key names a trip, a flag, a late event or a dead letter
 * @param json canonical JSON, or null: a tombstone
 */
public record Fact(String key, String json) implements Serializable {

  /** The device the fact is about: facts are partitioned by it. Dead letters have none. */
  public String device() {
    String[] words = key.split(" ", 3);
    return words[0].equals("dead") ? key : words[1];
  }
}
