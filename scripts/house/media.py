"""Small media files, made once by ffmpeg."""

import os
import secrets
import subprocess

# Sizes are such that a push takes a moment and a test does not wait: 6 s of video, 4 s of sound, one picture.
RECIPES = {
    "photo.jpg": ["-f", "lavfi", "-i", "testsrc=size=1280x720:rate=1:duration=1", "-frames:v", "1"],
    "clip.mp4": [
        "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=6", "-f", "lavfi", "-i", "sine=frequency=440:duration=6",
        "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "1M", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", "-movflags", "+faststart"],
    "track.mp3": [
        "-f", "lavfi", "-i", "sine=frequency=330:duration=4", "-c:a", "libmp3lame", "-b:a", "128k", "-metadata", "title=House Track",
        "-metadata", "artist=pngw"],
    "song.mp3": ["-f", "lavfi", "-i", "sine=frequency=523:duration=3", "-c:a", "libmp3lame", "-b:a", "128k", "-metadata", "title=House Song"],
}
TYPES = {"photo.jpg": "image/jpeg", "clip.mp4": "video/mp4", "track.mp3": "audio/mpeg", "song.mp3": "audio/mpeg"}


def make(folder):
    os.makedirs(folder, exist_ok=True)
    for name, recipe in RECIPES.items():
        path = os.path.join(folder, name)
        if os.path.exists(path):
            continue
        # Two houses may be built at once, each with processes 1, 2, 3 of its own.
        whole = f"{folder}/new-{secrets.token_hex(4)}-{name}"
        subprocess.run(["ffmpeg", "-v", "error", "-y", *recipe, whole], check=True, stdin=subprocess.DEVNULL)
        os.rename(whole, path)
    return {name: os.path.join(folder, name) for name in RECIPES}
