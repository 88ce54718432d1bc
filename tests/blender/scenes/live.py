"""Scenes: images as canvases. The other program is a second client of the daemon, in the same process."""

import array
import random
import sys
import time

import bpy

NAME = "painted"
CANVAS = "blender: painted"


def picture(name=NAME, width=128, height=96):
    """An unsaved image with pixels that nobody has but it."""
    image = bpy.data.images.new(name, width, height, alpha=True)
    source = random.Random(3)
    values = array.array("f", [source.randrange(256) / 255 for _ in range(width * height * 4)])
    image.pixels.foreach_set(values)
    return image


def top_down(image):
    """An image's bytes as a canvas has them."""
    width, height = image.size
    values = array.array("f", bytes(16 * width * height))
    image.pixels.foreach_get(values)
    data, row = bytes([round(value * 255) for value in values]), width * 4
    return b"".join(data[start : start + row] for start in range(row * (height - 1), -1, -row))


def paint(image, x, y, width, height, colour):
    """Fill a rectangle, counted from the top, as a brush of Blender would."""
    values = array.array("f", bytes(16 * image.size[0] * image.size[1]))
    image.pixels.foreach_get(values)
    for line in range(y, y + height):
        start = ((image.size[1] - 1 - line) * image.size[0] + x) * 4
        values[start : start + width * 4] = array.array("f", [part / 255 for part in colour] * width)
    image.pixels.foreach_set(values)


def pump(addon, until, seconds=40):
    """What the timers do in a window."""
    deadline = time.monotonic() + seconds
    sharing = addon.live.sharing.current()
    while not until():
        addon.session.current().drain()
        sharing.tick()
        problems = [(str(share.error), share.preview and share.preview.info) for share in sharing.shares.values()]
        assert time.monotonic() < deadline, f"it never came: {problems} {sharing.message}"
        time.sleep(0.005)


def shared(addon, name=NAME):
    """How an image is shared, once it is."""
    sharing = addon.live.sharing.current()
    pump(addon, lambda: (found := sharing.of(bpy.data.images.get(name))) and found.canvas is not None)
    return sharing.of(bpy.data.images[name])


def share(addon, image):
    """Share an image and wait until it is."""
    bpy.ops.latent_bridge.share(image=image.name)
    return shared(addon, image.name)


class Other:
    """Another program with the same canvas."""

    def __init__(self, addon, name=CANVAS, width=0, height=0):
        client = addon.vendored.load_client()
        self.pixels = addon.vendored.pixels
        self.bridge = client.connect(client_name="Krita", session=f"another-{random.getrandbits(60):x}")
        self.canvas = self.bridge.open_canvas(name, width, height, timeout=20)

    def read(self):
        """The canvas as it knows it."""
        return bytes(self.canvas.read().pixels)

    def patch(self, x, y, width, height, data):
        """Paint."""
        picture = self.pixels.Picture(width, height, self.pixels.PixelFormat.RGBA8, data)
        self.canvas.patch(x, y, picture)


def start_over(addon):
    """Nothing is shared, and nobody remembers."""
    sharing = addon.live.sharing.current()
    for image in list(bpy.data.images):
        sharing.unshare(image)
        bpy.data.images.remove(image)


def painting_here_reaches_others(addon):
    """All of the image at first, then only what changed."""
    start_over(addon)
    image = picture()
    share(addon, image)
    other = Other(addon)
    found = {"same": other.read() == top_down(image)}
    paint(image, 10, 70, 60, 5, (1, 2, 3, 4))
    pump(addon, lambda: other.read() == top_down(image))
    found["pixel"] = list(other.read()[(70 * 128 + 10) * 4 :][:4])
    other.bridge.close()
    return found


def painting_elsewhere_reaches_the_image(addon):
    """Every bit of it, transparent pixels with a colour too."""
    start_over(addon)
    image = picture()
    share(addon, image)
    other = Other(addon)
    data = random.Random(5).randbytes(70 * 50 * 4)
    other.patch(20, 30, 70, 50, data)
    pump(addon, lambda: top_down(image)[(30 * 128 + 20) * 4 :][:280] == data[:280])
    revision, until = other.canvas.revision, time.monotonic() + 0.5
    pump(addon, lambda: time.monotonic() > until)
    found = {"all": top_down(image) == other.read(), "sent back": other.canvas.revision - revision}
    paint(image, 0, 0, 128, 20, (9, 9, 9, 255))
    other.patch(0, 10, 128, 20, bytes((5, 5, 5, 5)) * 128 * 20)
    pump(addon, lambda: other.canvas.settle(5) and top_down(image) == other.read())
    time.sleep(0.2)
    pump(addon, lambda: True)
    found["after both painted"] = top_down(image) == other.read()
    other.bridge.close()
    return found


def several_images_and_unsharing(addon):
    """Each has a canvas of its own; one that is not shared any more is left alone."""
    start_over(addon)
    one, two = picture("one"), picture("two", 64, 64)
    share(addon, one)
    share(addon, two)
    first, second = Other(addon, "blender: one"), Other(addon, "blender: two")
    before = top_down(two)
    first.patch(0, 0, 1, 1, b"\1\2\3\4")
    pump(addon, lambda: top_down(one)[:4] == b"\1\2\3\4")
    found = {"other image": top_down(two) == before}
    bpy.ops.latent_bridge.unshare(image="two")
    second.patch(0, 0, 1, 1, b"\1\2\3\4")
    first.patch(1, 0, 1, 1, b"\4\3\2\1")
    pump(addon, lambda: top_down(one)[4:8] == b"\4\3\2\1")
    found["unshared"] = top_down(two) == before
    found["members"] = len(second.canvas.members)
    third = Other(addon, "blender: three", 64, 64)
    found["name is taken"] = share(addon, picture("three", 64, 64)).name
    bpy.ops.latent_bridge.unshare(image="three")
    third.bridge.close()
    copy = one.copy()
    pump(addon, lambda: "latent_bridge_canvas" not in copy)
    found["canvases"] = sorted(addon.live.sharing.current().shares)
    first.bridge.close()
    second.bridge.close()
    return found


def loading_goes_on(addon, folder):
    """What the file shares is shared again, and what was painted meanwhile is there; the state before is kept."""
    start_over(addon)
    image = picture()
    share(addon, image)
    other = Other(addon)
    paint(image, 0, 90, 20, 6, (100, 90, 80, 255))
    saved = top_down(image)
    pump(addon, lambda: other.read() == saved)
    bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/shared.blend")
    bpy.ops.wm.read_homefile(use_empty=True)
    pump(addon, lambda: not addon.live.sharing.current().shares)
    other.patch(3, 3, 1, 1, b"\7\7\7\7")
    other.canvas.settle(20)
    bpy.ops.wm.open_mainfile(filepath=f"{folder}/shared.blend")
    found = {"painting was saved": top_down(bpy.data.images[NAME]) == saved}
    shared(addon)
    image = bpy.data.images[NAME]
    found["caught up"] = top_down(image) == other.read() != saved
    pump(addon, lambda: "latent_bridge_previous" in image)
    found["kept"] = top_down(bpy.data.images[image["latent_bridge_previous"]]) == saved
    paint(image, 0, 0, 2, 2, (8, 8, 8, 8))
    pump(addon, lambda: other.read()[:8] == bytes([8]) * 8)
    other.bridge.close()
    return found


def opening(addon):
    """A canvas that another program made becomes an image that the active object wears."""
    bpy.ops.wm.read_homefile()
    session = addon.session.current()
    session.open()
    pump(addon, lambda: session.state == "connected")
    other = Other(addon, "krita: wood", 40, 30)
    data = random.Random(9).randbytes(40 * 30 * 4)
    other.patch(0, 0, 40, 30, data)
    other.canvas.settle(20)
    bpy.ops.latent_bridge.open_canvas(canvas="krita: wood")
    there = shared(addon, "wood")
    image = bpy.data.images["wood"]
    found = {"same": top_down(image) == data, "name": there.name, "kept": "latent_bridge_previous" in image}
    nodes = bpy.context.object.active_material.node_tree.nodes
    found["worn"] = any(node.type == "TEX_IMAGE" and node.image == image for node in nodes)
    again = bpy.ops.latent_bridge.open_canvas(canvas="krita: wood")
    found["again"] = sorted(again)
    paint(image, 0, 0, 1, 1, (1, 2, 3, 4))
    pump(addon, lambda: other.read()[:4] == b"\1\2\3\4")
    other.bridge.close()
    return found


def refusals(addon):
    """What cannot be shared is told, with what to do."""
    start_over(addon)
    image = bpy.data.images.new("floats", 8, 8, float_buffer=True)
    try:
        addon.live.sharing.current().share(image)
    except addon.vendored.errors.BridgeError as error:
        return [error.message, bool(error.hint)]
    return None


def live_frames(addon):
    """Frames come into an image beside it, follow the strength, are applied, and end."""
    start_over(addon)
    image = picture(width=64, height=64)
    settings = bpy.context.scene.latent_bridge
    settings.prompt, settings.strength, settings.steps, settings.fixed_seed = "moss", 0.25, 4, True
    there = share(addon, image)
    bpy.ops.latent_bridge.live(image=NAME)
    pump(addon, lambda: there.preview.area is not None and there.preview.info.state == "waiting")
    frame = top_down(bpy.data.images[f"{NAME} live"])
    found = {"size": list(bpy.data.images[f"{NAME} live"].size)}
    settings.strength = 0.9
    pump(addon, lambda: top_down(bpy.data.images[f"{NAME} live"]) != frame)
    found["strength"] = round(there.preview.info.settings.strength, 3)
    before = top_down(image)
    pump(addon, lambda: there.preview.info.settings.strength > 0.8 and there.preview.info.state == "waiting")
    frame = top_down(bpy.data.images[f"{NAME} live"])
    bpy.ops.latent_bridge.apply_live(image=NAME)
    pump(addon, lambda: top_down(bpy.data.images[NAME]) != before)
    image = bpy.data.images[NAME]
    found["applied"] = top_down(image) == frame
    found["kept"] = top_down(bpy.data.images[image["latent_bridge_previous"]]) == before
    settings.model = "of another world"
    pump(addon, lambda: there.preview.problem)
    found["problem"] = "of another world" in there.preview.problem
    settings.model = ""
    pump(addon, lambda: not there.preview.problem)
    bpy.ops.latent_bridge.live(image=NAME)
    pump(addon, lambda: there.preview.info.state == "off")
    found["on"] = there.preview.on
    return found


def texture_paint(addon):
    """In Texture Paint mode it is the image of the slot, or the one chosen for the brush."""
    bpy.ops.wm.read_homefile()
    image, single = picture("slot", 64, 64), picture("single", 64, 64)
    tree = bpy.context.object.active_material.node_tree
    for each in (picture("beside", 64, 64), image):
        node = tree.nodes.new("ShaderNodeTexImage")
        node.image = each
        tree.nodes.active = node
    bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
    material = bpy.context.object.active_material
    material.paint_active_slot = [each.name for each in material.texture_paint_images].index("slot")
    bpy.ops.latent_bridge.share()
    brush = bpy.context.tool_settings.image_paint
    brush.mode, brush.canvas = "IMAGE", single
    bpy.ops.latent_bridge.share()
    shared(addon, "single")
    return sorted(image.name for image in bpy.data.images if addon.live.sharing.current().of(image))


def switching_off(addon):
    """Disabling the add-on with a canvas and live generation lets go of both; enabling takes the canvas up again."""
    start_over(addon)
    image = picture(width=64, height=64)
    there = share(addon, image)
    bpy.ops.latent_bridge.live(image=NAME)
    pump(addon, lambda: there.preview.info.state != "off")
    other = Other(addon)
    bpy.ops.preferences.addon_disable(module=addon.__name__)
    deadline = time.monotonic() + 20
    while len(other.canvas.members) > 1 or other.canvas.live.info.state != "off":
        assert time.monotonic() < deadline, (other.canvas.members, other.canvas.live.info)
        time.sleep(0.02)
    bpy.ops.preferences.addon_enable(module=addon.__name__)
    again = sys.modules[addon.__name__]
    again.session.current().open()
    shared(again)
    other.bridge.close()
    return "taken up again"
