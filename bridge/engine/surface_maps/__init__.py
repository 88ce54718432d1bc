"""The other maps of a material, estimated from its base colour by classical image processing.

One photograph does not say what a surface is like: light and pigment darken it alike. So every map here is an estimate
with a stated assumption, none is a measurement, and no network is involved. Given a height map, normals and ambient
occlusion are exact for it.

| map | assumption | source |
| --- | --- | --- |
| height | dark is deep, as under an overcast sky; strong edges are partly pigment | `height.py` |
| normal | the gradient of the height | `normals.py` |
| ambient occlusion | the sky that a point of the height field sees | `occlusion.py` |
| roughness | rough where the relief is rough within a few pixels, smooth at highlights | `reflectance.py` |
| metallic | bright enough for a metal, and coloured like one; only on request | `reflectance.py` |
"""
